"""The table of samplers on the page about ComfyUI: `make comfy-table` writes it, and a test holds it against them."""

from __future__ import annotations

import functools
import sys
from collections import defaultdict
from pathlib import Path

import comfy.cli_args

comfy.cli_args.args.cpu = True

import torch  # noqa: E402
from comfy_tiny import FLUX, SDXL, Tiny, draw  # noqa: E402

from tokred.registry import build_method  # noqa: E402
from tokred_comfy.patching import drawn_with, sped_up  # noqa: E402

PAGE = Path(__file__).parents[2] / "docs/comfyui.md"
BEGIN, END = "<!-- samplers -->\n", "<!-- /samplers -->\n"
STEPS, SHOWN = 20, 6
SAMPLERS = (
    "euler",
    "euler_ancestral",
    "heun",
    "heunpp2",
    "dpm_2",
    "dpmpp_2s_ancestral",
    "dpmpp_2m",
    "dpmpp_2m_sde",
    "dpmpp_sde",
    "uni_pc",
    "lcm",
    "res_multistep",
    "sa_solver_pece",
    "dpm_adaptive",
)


class Seen:
    """One sampling of a sped-up model, and the sigmas that the sampler asked the model for.

    Attributes:
        sigmas: those that the sampler was given.
        asked: of each call, in order.
        computed: how many of these reached the network's first layer.
        calls: what tokred noted of each.
    """

    def __init__(self, tiny: Tiny, sampler: str, method: str = "balanced") -> None:
        model = tiny.patcher()
        self.asked: list[float] = []
        self.computed = 0
        self.sigmas: list[float] = []

        def wrapper(apply_model, given):  # type: ignore[no-untyped-def]
            self.asked.append(float(given["timestep"][0]))
            self.sigmas = given["c"]["transformer_options"]["sample_sigmas"].tolist()
            return apply_model(given["input"], given["timestep"], **given["c"])

        def reached(*_: object) -> None:
            self.computed += 1

        model.set_model_unet_function_wrapper(wrapper)
        network = model.model.diffusion_model
        hook = getattr(network, "img_in", network.time_embed if hasattr(network, "time_embed") else network)
        handle = hook.register_forward_hook(reached)
        faster = sped_up(model, build_method(method, {}))
        draw(tiny, faster, sampler=sampler, steps=STEPS)
        handle.remove()
        drawn = drawn_with(faster)
        assert drawn.report is not None
        self.calls, self.notes = drawn.report.calls, drawn.notes


@functools.cache
def seen_of(model: str, sampler: str) -> Seen:
    """Return one sampling of "flux", a rectified flow, or "sdxl", whose sigmas are relative to the picture."""
    return Seen({"flux": FLUX, "sdxl": SDXL}[model], sampler)


def row(sampler: str) -> str:
    """Return a sampler's row: its calls, which steps are computed, and the noise at one of them."""
    flow = seen_of("flux", sampler)
    if flow.notes:
        return f"| `{sampler}` | {len(flow.asked)} | {flow.computed} | all: it sets noise levels of its own | | |"
    relative = seen_of("sdxl", sampler)
    done: dict[int, list[bool]] = defaultdict(list)
    for call in flow.calls:
        done[call.position.step].append(not call.skipped)
    computed = sum(all(calls) for calls in done.values())
    most = max(map(len, done.values()))
    noise = [
        " ".join(f"{call.position.time:.3f}" for call in seen.calls if call.position.step == SHOWN)
        for seen in (flow, relative)
    ]
    calls = f"{len(flow.asked)} | {flow.computed} | {computed} of {len(done)} | {most}"
    return f"| `{sampler}` | {calls} | {' · '.join(noise)} |"


def table() -> str:
    """Return the table."""
    heads = (
        f"| sampler, {STEPS} steps | calls | computed by `balanced` | steps computed | calls in a step "
        f"| share of noise at step {SHOWN}: Flux · SDXL |"
    )
    with torch.random.fork_rng(devices=[]):
        rows = [row(sampler) for sampler in SAMPLERS]
    return "\n".join([heads, "|---|---|---|---|---|---|", *rows]) + "\n"


if __name__ == "__main__":
    before, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}{table()}{END}{rest.partition(END)[2]}")
    sys.stdout.write(f"{PAGE}\n")
