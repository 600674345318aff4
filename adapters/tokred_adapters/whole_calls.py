"""Classes in which tokens cannot be reduced, or not yet, and why; methods that skip whole calls serve them all."""

WHOLE_CALLS: dict[str, str] = {
    # Pictures
    "diffusers.ErnieImageTransformer2DModel": "Its blocks have the tokens along the first axis, before the samples.",
}
