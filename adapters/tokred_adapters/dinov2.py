"""transformers' DINOv2, with register tokens and without, by itself, in its classifiers and as a backbone."""

from tokred_adapters.towers import tower

DINOV2 = tower(
    "dinov2",
    "Dinov2Model Dinov2ForImageClassification Dinov2Backbone Dinov2WithRegistersModel "
    "Dinov2WithRegistersForImageClassification Dinov2WithRegistersBackbone",
    layers="encoder.layer",
    norms=("norm1", "norm2"),
)
