"""FID against the definition, against torchmetrics, and by the network that everybody uses."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch

from tokred.bench.measures import known_metric
from tokred.bench.quality import Quality
from tokred.errors import SpecError, WeightsError
from tokred.metrics.fid import Fid, frechet_distance


def definition(x: torch.Tensor, y: torch.Tensor) -> float:
    """|m - n|² + tr(S + T - 2 (S T)^½), by the eigenvalues of S T."""
    x, y = x.double(), y.double()
    s, t = torch.cov(x.T), torch.cov(y.T)
    root = torch.linalg.eigvals(s @ t).real.clamp(min=0).sqrt().sum()
    return float((x.mean(0) - y.mean(0)).square().sum() + s.trace() + t.trace() - 2 * root)


@pytest.mark.parametrize(("n", "m", "channels"), [(5, 7, 3), (40, 30, 6), (4, 4, 16), (2, 50, 8)])
def test_the_distance_is_the_definitions(n: int, m: int, channels: int) -> None:
    generator = torch.Generator().manual_seed(n)
    x, y = (torch.randn(count, channels, generator=generator) for count in (n, m))
    y = 2 * y + 1
    assert frechet_distance(x, y) == pytest.approx(definition(x, y), rel=1e-6, abs=1e-5)
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-9)


def test_one_sample_has_no_covariance() -> None:
    with pytest.raises(SpecError, match="measure at least 2 samples"):
        frechet_distance(torch.rand(1, 4), torch.rand(3, 4))


class Features(torch.nn.Module):
    """Four means of a picture's channels and of their squares."""

    num_features = 6

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        x = pictures.double() / 255
        return torch.cat([x.mean((2, 3)), x.square().mean((2, 3))], dim=1).float()


def test_it_is_that_of_torchmetrics() -> None:
    fid = pytest.importorskip("torchmetrics.image.fid").FrechetInceptionDistance(feature=Features()).double()
    generator = torch.Generator().manual_seed(0)
    dense, made = torch.rand(9, 3, 16, 16, generator=generator), torch.rand(9, 3, 16, 16, generator=generator) ** 2
    for pictures, real in ((dense, True), (made, False)):
        fid.update((255 * pictures).round().byte(), real=real)
    metric, measure = known_metric("fid"), Fid(Features())
    quality = Quality("a run", {metric: measure})
    for part in (slice(0, 4), slice(4, 9)):
        quality.add(made[part], {"dense": dense[part]})
    score = quality.scores()["fid"]
    assert score.mean == pytest.approx(float(fid.compute()), rel=1e-4)
    assert (score.low, score.high, score.values) == (score.mean, score.mean, ())


def test_frames_of_a_video_are_pictures_of_the_set() -> None:
    clips = torch.rand(3, 2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    metric = known_metric("fid")
    quality = Quality("a run", {metric: Fid(Features())})
    quality.add(clips.square(), {"dense": clips})
    frames = clips.flatten(0, 1)
    features = Features()((255 * frames.square()).round().byte()), Features()((255 * frames).round().byte())
    assert quality.scores()["fid"].mean == pytest.approx(frechet_distance(*features))


def test_weights_that_are_missing_are_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"^fid needs torch-fidelity, and its file of .* weights: fid:weights"):
        known_metric("fid").load()
    with pytest.raises(WeightsError, match="there is no file /none.pth"):
        known_metric("fid:weights=/none.pth").load()
    (tmp_path / "other.pth").write_bytes(b"nothing")
    with pytest.raises(WeightsError, match="^fid needs torch-fidelity"):
        known_metric(f"fid:weights={tmp_path / 'other.pth'}").load()


@pytest.mark.slow
@pytest.mark.skipif(not importlib.util.find_spec("torch_fidelity"), reason="torch-fidelity is not installed")
def test_the_network_is_the_one_of_torch_fidelity(tmp_path: Path) -> None:
    """With random weights: those that everybody uses are 91 MB, and not here."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    path = tmp_path / "inception.pth"
    with pytest.MonkeyPatch.context() as patch, torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        patch.setattr(FeatureExtractorInceptionV3, "load_state_dict", lambda *_: None)
        patch.setattr("torch_fidelity.feature_extractor_inceptionv3.load_state_dict_from_url", lambda *_, **__: {})
        network = FeatureExtractorInceptionV3("inception", ["2048"])
    torch.save(network.state_dict(), path)
    pictures = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    found = known_metric(f"fid:weights={path}").load()(pictures, 1 - pictures)
    expected = [network((255 * each).round().byte())[0] for each in (pictures, 1 - pictures)]
    assert torch.equal(found, torch.stack(expected, dim=1))
