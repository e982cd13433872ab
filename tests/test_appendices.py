"""The pages of reference: their cells run on plain torch, and print what the text beside them claims."""

from __future__ import annotations

import math
import re
import sys
import warnings

import pytest
import torch
from pages import CHAPTERS, run_page

import ddpmlib
from book.chapter import read_chapter, section_labels
from ddpmlib.schedules import Schedule

sys.path.insert(0, str(ddpmlib.ROOT / "book" / "extensions"))
from course.closure import Finder, chapter_exercises, closure, code_trees  # noqa: E402

PAGES = ("gaussian_facts", "rosetta", "errata")
LINEAR = Schedule.linear(1000)


def numbers(text: str) -> list[float]:
    """All numbers of a text, in order."""
    return [float(found) for found in re.findall(r"(?<![\w.])-?\d+\.?\d*(?:e[-+]\d+)?(?![\w.]*\w)", text)]


def values(page: str, label: str, last: int) -> list[float]:
    """The last numbers of each line that the first cell below a label prints."""
    lines = run_page(page).printed_after(label).splitlines()
    return [number for line in lines for number in numbers(line)[-last:]]


@pytest.mark.parametrize("name", PAGES)
def test_pages_are_complete_for_every_reader(name, capfd):
    """No page needs a student's module, none writes to stderr, and its lines fit."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run_page.__wrapped__(name)
    assert capfd.readouterr().err == ""
    trees = code_trees(CHAPTERS / f"{name}.md")
    exercises = chapter_exercises(trees, name, ddpmlib.ROOT)
    used = {path.name for path in closure(trees, exercises, Finder(ddpmlib.ROOT, reference=False))}
    assert used <= {"__init__.py", "plotting.py"}
    cells = [cell for cell in read_chapter(CHAPTERS / f"{name}.md").cells if cell.cell_type == "code"]
    assert not [line for cell in cells for line in cell.source.splitlines() if len(line) > 86]


@pytest.mark.parametrize("name", PAGES)
def test_no_formula_is_cut_by_a_line_that_starts_a_list(name):
    text = re.sub(r"^```.*?^```|\$\$.*?\$\$", "", (CHAPTERS / f"{name}.md").read_text(encoding="utf-8"), flags=re.M | re.S)
    assert not [formula for formula in re.findall(r"\$[^$]+\$", text) if re.search(r"\n\s*([-+*>#]|\d+[.)])\s", formula)]
    assert not [part for part in re.split(r"\n\s*\n", text) if part.count("$") % 2]


# facts


@pytest.mark.parametrize(
    ("label", "pairs"),
    [
        ("gauss-affine", [(0, 1)]),
        ("gauss-sum", [(1, 4)]),
        ("gauss-product", [(0, 3), (1, 4), (2, 5)]),
        ("gauss-condition", [(0, 2), (1, 3)]),
        ("gauss-kl", [(0, 1), (0, 2), (4, 5)]),
        ("gauss-entropy", [(0, 1), (0, 2)]),
        ("gauss-stein", [(0, 1)]),
        ("gauss-tweedie", [(0, 2), (1, 3)]),
    ],
)
def test_both_sides_of_a_fact_print_the_same(label, pairs):
    found = numbers(run_page("gaussian_facts").printed_after(label))
    for left, right in pairs:
        assert found[left] == pytest.approx(found[right], abs=2e-8), found


def test_facts_that_print_no_pair():
    page = run_page("gaussian_facts")
    assert numbers(page.printed_after("gauss-moments"))[-5:] == [1, 0, 1, 0, 3]
    assert page.printed_after("gauss-bayes").count("True") == 2
    assert numbers(page.printed_after("gauss-entropy"))[-1] < numbers(page.printed_after("gauss-entropy"))[0]


def test_every_fact_is_proved_checked_and_listed():
    text = run_page("gaussian_facts").text
    labels = section_labels(CHAPTERS / "gaussian_facts.md")
    assert len(labels) == 10
    for label in labels:
        section = text.split(f"({label})=", 1)[1].split("\n(gauss-")[0]
        assert "{prf:proof}" in section and "{code-cell}" in section
        assert f"| {{ref}}`{label}` |" in text


# rosetta


def rows_and_checks() -> list[tuple[list[str], list[str]]]:
    """For each table of the page: the sources of its rows, and the sources in what the cell below it prints."""
    page = run_page("rosetta")
    sections = re.split(r"^\(ros-[\w]+\)=$", page.text, flags=re.M)[1:]
    rows = [re.findall(r"^\| (?!source|---)(.+?) \|", section, re.M) for section in sections]
    checks = [[re.match(r" *\S+   ([^:]+): ", line)[1] for line in text.splitlines()] for text in page.printed[1:]]
    return list(zip(rows, checks, strict=True))


def test_every_row_of_the_dictionary_has_its_check():
    assert len(rows_and_checks()) == 5
    for rows, checks in rows_and_checks():
        assert rows == checks


def test_a_wrong_translation_stops_the_page():
    with pytest.raises(ValueError, match="DDIM: alpha_t: .* is not"):
        run_page("rosetta").names["agree"]("DDIM", "alpha_t", LINEAR.alphas[300], LINEAR.alpha_bars[300])


def test_the_dictionary_uses_the_courses_schedule():
    names = run_page("rosetta").names
    assert torch.allclose(names["abar"], LINEAR.alpha_bars, rtol=1e-13, atol=0)
    assert torch.allclose(names["betas"], LINEAR.betas, rtol=1e-13, atol=0)


def test_diffusers_agrees_with_its_rows():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from diffusers import DDPMScheduler, EulerDiscreteScheduler
        euler = EulerDiscreteScheduler(1000, beta_schedule="linear")
        start = euler.sigmas.clone()
        euler.set_timesteps(1000)
    names = run_page("rosetta").names
    t, sigma, x0, eps, v = (names[name] for name in ("t", "sigma", "x0", "eps", "v"))
    x_t, y = names["x_t"], names["y"]
    assert start.flip(0)[t].item() == pytest.approx(sigma[t].item(), rel=1e-4)
    when = euler.timesteps[-t]
    assert when == t - 1
    assert euler.scale_model_input(y, when).item() == pytest.approx(x_t.item(), rel=1e-4)
    for kind, output in {"epsilon": eps, "sample": x0, "v_prediction": v}.items():
        ddpm = DDPMScheduler(1000, beta_schedule="linear", prediction_type=kind, clip_sample=False)
        ddpm.set_timesteps(1000)
        step = ddpm.step(output.reshape(1, 1), t - 1, x_t.reshape(1, 1), generator=torch.Generator().manual_seed(0))
        assert step.pred_original_sample.item() == pytest.approx(x0.item(), rel=1e-4)
    small = DDPMScheduler(1000, beta_schedule="linear", variance_type="fixed_small")
    large = DDPMScheduler(1000, beta_schedule="linear", variance_type="fixed_large")
    assert small._get_variance(t - 1).item() == pytest.approx(names["small"].item(), rel=1e-3)
    assert large._get_variance(t - 1).item() == pytest.approx(LINEAR.betas[t].item(), rel=1e-4)


# errata


def test_every_slip_says_what_is_printed_what_is_right_and_shows_it():
    text = run_page("errata").text
    sections = re.split(r"^\((err-[\w-]+)\)=$", text, flags=re.M)[1:]
    assert len(sections) // 2 == 24
    for label, section in zip(sections[::2], sections[1::2]):
        if label != "err-link":
            assert re.search(r"^\*Printed[:,]", section, re.M) and re.search(r"^\*Right", section, re.M), label
            assert section.count("```{code-cell}") == 1, label


@pytest.mark.parametrize(
    ("label", "last", "expected"),
    [
        ("err-index", 2, [0.7, 0.6, 0.76, 0.64, 0.784, 0.64]),
        ("err-one-noise", 1, [15.0]),
        ("err-root", 2, [1.0, 0.019]),
        ("err-total-noise", 1, [0.0777, 0.0, 0.0105]),
        ("err-equality", 3, [-1.7717, -1.8652, 0.0935, 1.0]),
        ("err-zero", 4, [2.9e-5, 1, 1.2e-4, 2, 0.33, 1, 1.1, 2]),
        ("err-two-alphas", 1, [0.6296, 0.994, 0.3976]),
        ("err-renoise", 3, [0.345, 0.482, 1, 0.481, 0.927, 1, 0.498, 0.992, 1]),
        ("err-guided", 1, [0.331, 1.435, 0.390]),
        ("err-encoder", 1, [0.2744, 0.0]),
        ("err-reverse-variance", 2, [1.075, 0.25, 0.075, 0.25, 0.047, 0.25, 0.25, 0.25]),
        ("err-lemma", 2, [5.6808, 1.0]),
    ],
)
def test_numbers_of_the_errata(label, last, expected):
    assert values("errata", label, last) == pytest.approx(expected)


def test_right_formulas_agree_with_their_second_way():
    printed = run_page("errata").printed_after
    left, right = numbers(printed("err-arbitrary"))
    assert left == right
    consistency = [float(line.split()[-2]) for line in printed("err-consistency").splitlines()]
    assert consistency == [0.0, 0.8]
    for line in printed("err-variance-root").splitlines():
        t, conditioned, right, wrong = numbers(line.replace(":", " "))
        assert conditioned == right
        exact = LINEAR.betas[int(t)] * (1 - LINEAR.alpha_bars[int(t) - 1]) / (1 - LINEAR.alpha_bars[int(t)])
        assert right == pytest.approx(exact.item(), abs=1e-6)
        assert wrong == pytest.approx(exact.item() / (1 + LINEAR.alpha_bars[int(t) - 1].sqrt().item()), abs=1e-6)
    names = run_page("errata").names
    assert float(names["divergence"] - names["literal"]) == pytest.approx(0.5 * math.log(4), abs=1e-12)
    assert float(names["divergence"]) == pytest.approx(float(names["second_form"]), abs=1e-12)
    assert names["literal"] < 0 < names["divergence"]
    evidence, bound, without = numbers(printed("err-path").splitlines()[-1].replace("t = 1", ""))[-3:]
    assert bound < evidence < without


def test_log_evidence_is_elbo_plus_gap_and_renoising_halves_the_variance():
    evidence, elbo, gap = numbers(run_page("errata").printed_after("err-equality").splitlines()[0])
    assert evidence - elbo == pytest.approx(gap, abs=2e-4) and gap > 0
    final_variance = run_page("errata").names["final_variance"]
    many = [20 * (0.01 / 20) ** (k / 99_999) for k in range(100_000)]
    assert final_variance(many, True) == pytest.approx(0.5, abs=1e-3)
    assert final_variance(many, False) == pytest.approx(1, abs=1e-3)
