"""Classes in which tokens cannot be reduced, or not yet, and why; methods that skip whole calls serve them all."""

WHOLE_CALLS: dict[str, str] = {
    # Pictures
    "diffusers.ErnieImageTransformer2DModel": "Its blocks have the tokens along the first axis, before the samples.",
    # Video
    "diffusers.AnyFlowFARTransformer3DModel": "Its mask is made for blocks of the full sequence.",
    "diffusers.AnyFlowTransformer3DModel": "Its queries and keys have rotary tables of their own.",
    "diffusers.HeliosTransformer3DModel": "Its blocks find the history before the frames by a number of tokens.",
    "diffusers.HunyuanVideoFramepackTransformer3DModel": "Its frames come after a history of three sizes.",
    "diffusers.I2VGenXLUNet": "Its frames are folded into the batch, and then their places.",
    "diffusers.LatteTransformer3DModel": "Its frames are folded into the batch, and then their places.",
    "diffusers.LTX2VideoTransformer3DModel": "Its blocks compute sound beside the frames.",
    "diffusers.UNet3DConditionModel": "Its frames are folded into the batch, and then their places.",
    "diffusers.UNetMotionModel": "Its frames are folded into the batch, and then their places.",
    "diffusers.UNetSpatioTemporalConditionModel": "Its frames are folded into the batch, and then their places.",
    # UNets
    "diffusers.Kandinsky3UNet": "Its attentions take feature maps, not rows of tokens.",
    "diffusers.StableCascadeUNet": "Its attentions take feature maps, not rows of tokens.",
    "diffusers.UNet2DModel": "Its attentions take feature maps, not rows of tokens.",
    # Audio
    "diffusers.AceStepTransformer1DModel": "Its tokens are a stretch of time, and have no grid.",
    "diffusers.LongCatAudioDiTTransformer": "Its tokens are a stretch of time, and have no grid.",
    "diffusers.StableAudio3DiTModel": "Its tokens are a stretch of time, and have no grid.",
    "diffusers.StableAudioDiTModel": "Its tokens are a stretch of time, and have no grid.",
}
