"""A method with a similarity of its own, compared with two others."""

import torch

from tokred import Method, parts
from tokred.bench import line_up, load_subject, run_bench


class Nearness(parts.OfSignal):
    """Minus the distance of two tokens: unlike their angle, it tells a short one from a long one."""

    def scores(self, src, dst):
        """Compare sources `[B, S, C]` with destinations `[B, D, C]`: `[B, S, D]`, float32."""
        return -torch.cdist(src.float(), dst.float())


def nearness(*, ratio: float = 0.5, interval: int = 2) -> Method:
    """Match the nearest outputs at one dense step in `interval`, and reuse the pairs at the others."""
    return Method(
        name="nearness",
        similarity=Nearness("output"),
        matcher=parts.GridMatcher(stride=(2, 2)),
        scheduler=parts.Interval(ratio, interval, dense_first=2),
        recovery=parts.Copy(),
        sites=("attn", "mlp"),
    )


subject = load_subject("emoji-dit")
lineup = line_up(subject, [nearness(), "dito:ratio=0.5,dense_first=2", "fewer_steps:share=0.75"])
results = run_bench(subject, lineup, subject.settings(steps=8, samples=4, pairs=1))
for row in results.rows:
    print(f"{row.label:<32} compute {row.compute:.2f}, PSNR {row.scores['psnr'].mean:.1f} dB")
