"""Every topic that the decks ask for has its row in the table of coverage, and what the row names is there."""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass

import pytest
import yaml

import ddpmlib
from book.chapter import blocks, directive, labels_of, read_chapter
from book.citations import bibliography
from ddpmlib.checks import assess
from ddpmlib.checks.catalogue import exercises
from grading.sources import SOLUTIONS, chapter_paths, exercise_functions

PAGE = ddpmlib.ROOT / "chapters" / "coverage.md"
BUILD, PROVE = "something to build", "nothing to build"

# what the decks ask for, in the table's own words: the decks, and whether something is to be built
WANTED = {
    "Generation as fitting a law; the families of models": ("VD IH PU", PROVE),
    "VAE; sampling is not differentiable; reparameterisation": ("VD IH", BUILD),
    "Why the evidence is hard": ("CS IH", BUILD),
    "The ELBO by Jensen, and by its gap": ("CS VD IH", BUILD),
    "Reconstruction less prior matching": ("CS IH", BUILD),
    "Hierarchical and Markovian VAEs: joint, posterior, ELBO": ("CS IH", BUILD),
    "The three restrictions": ("CS IH", BUILD),
    "The forward kernel; why the root keeps the variance": ("CS VD IH", BUILD),
    "Schedules: linear, cosine, signal-to-noise ratio": ("CS IH", BUILD),
    "The closed form, by merging and by induction": ("CS IH PU", BUILD),
    "The variance-exploding walk": ("PU", BUILD),
    "The end of the process and the prior": ("CS IH", BUILD),
    "The ELBO, first form": ("CS IH", BUILD),
    "The Markov lemma; Bayes with the extra datum": ("CS VD IH PU", PROVE),
    "The ELBO, second form, and its variance": ("CS VD IH PU", BUILD),
    "The divergence of two paths": ("PU", PROVE),
    "The posterior of one step: complete the square": ("CS VD IH", BUILD),
    "The walk's posterior": ("PU", BUILD),
    "A divergence of Gaussians is a squared distance": ("CS VD IH", BUILD),
    "Loss as mean, datum and noise; exact weights": ("CS VD IH PU", BUILD),
    "The optimal denoiser": ("PU", BUILD),
    "Three views of one loss": ("PU", BUILD),
    "Noise, datum or velocity": ("VD", BUILD),
    "The last step; pixels": ("VD PU", BUILD),
    "Training and ancestral sampling": ("CS VD IH PU", BUILD),
    "Denoise, then renoise": ("IH", BUILD),
    "Telling the network the time": ("CS IH", BUILD),
    "The U-Net: residual blocks, normalisation, attention, skip connections": ("CS IH", BUILD),
    "Training on images: clipping, averaged weights, learning rate, checkpoints": ("CS VD IH", BUILD),
    "Evaluation: class accuracy, Fréchet distance, coverage, copies; the lab on digits": ("CS VD IH", BUILD),
    "The cost of sampling; DDIM: the family, eta, fewer steps, predicted data, inversion": ("IH PU", BUILD),
    "Class-conditional generation": ("IH", BUILD),
    "Scores and Bayes; classifier guidance": ("IH", BUILD),
    "Classifier-free guidance": ("IH", BUILD),
    "Latent diffusion: autoencoder, U-Net with cross-attention, text encoder; class, text, layout": ("VD IH", BUILD),
    "Image-to-image / video / music: where it goes": ("IH", BUILD),
    "NCSN: denoising score matching, many noise levels, annealed Langevin dynamics": ("PU", BUILD),
    "Score SDEs: VP and VE, reverse SDE, probability flow, likelihood": ("PU", BUILD),
    "EDM: preconditioning, sigma schedule, Heun": ("PU", BUILD),
    "Improved DDPM: cosine schedule, learned variance, hybrid loss": ("PU", BUILD),
    "VAE, flow, GAN, DDPM side by side": ("CS VD PU", BUILD),
}


@dataclass(frozen=True)
class Row:
    """A row of the table: labels of sections, exercises by number, labels of statements."""

    topic: str
    decks: str
    sections: list[str]
    exercises: list[str]
    statements: list[str]
    compared_with: str


def table(text: str) -> list[Row]:
    """The rows of all tables of the page."""
    rows = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("| ").split(" | ")]
        if line.startswith("| ") and cells[0] != "topic" and not cells[0].startswith("---"):
            topic, decks, section, work, compared_with = cells
            rows.append(Row(
                topic, decks, re.findall(r"\{ref\}`([\w-]+)`", section),
                [f"{a}.{b}" for a, b in re.findall(r"\{ref\}`(\d+)\.(\d+) <ex-\1-\2>`", work)],
                re.findall(r"\{prf:ref\}`([\w-]+)`", work), compared_with,
            ))
    return rows


ROWS = table(PAGE.read_text(encoding="utf-8"))
LABELS = {name: label for path in chapter_paths() for name, label in labels_of(path).items()}


def proved(text: str) -> set[str]:
    """The labels of the statements in a text that a proof follows, before any other statement."""
    waiting, found = None, set()
    for token in blocks(text):
        block = directive(token)
        if block and block.name == "prf:proof":
            found |= {waiting} - {None}
            waiting = None
        elif block and block.name.startswith("prf:"):
            waiting = block.options.get("label")
    return found


PROVED = {label for path in chapter_paths()
          for label in proved("\n\n".join(cell.source for cell in read_chapter(path).cells if cell.cell_type == "markdown"))}
STUBS = {function.number: [] for function in exercise_functions()}
for function in exercise_functions():
    STUBS[function.number].append(function)


def complaints(row: Row) -> list[str]:
    """What a row names that is not there."""
    found = [f"no chapter has the section {name}" for name in row.sections if LABELS.get(name, None) is None
             or LABELS[name].kind != "section"]
    found += ["no section is named"] * (not row.sections)
    found += [f"there is no exercise {number}" for number in row.exercises if number not in exercises()]
    coded = [number for number in row.exercises if number in exercises() and exercises()[number].kind != "written"]
    if WANTED[row.topic][1] == BUILD:
        found += ["no coded exercise is named"] * (not coded)
    else:
        found += ["no statement is named"] * (not row.statements)
    found += [f"{number} has no stub" for number in coded if not STUBS.get(number)]
    found += [f"the statement {name} is not followed by its proof" for name in row.statements if name not in PROVED]
    found += ["nothing is compared"] * (not row.compared_with)
    return found


def test_every_topic_of_the_decks_has_its_row():
    assert [row.topic for row in ROWS] == list(WANTED)
    assert [row.decks for row in ROWS] == [decks for decks, _ in WANTED.values()]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.topic.replace(" ", "_"))
def test_what_a_row_names_is_there(row):
    assert complaints(row) == []


@pytest.mark.parametrize("number", sorted({number for row in ROWS for number in row.exercises}))
def test_the_checks_of_the_table_accept_the_reference(number):
    for function in STUBS[number]:
        assert callable(getattr(importlib.import_module(f"ddpmlib.{function.module}"), function.name))
        assert (SOLUTIONS / f"{function.module}.py").exists()
        assert f"def {function.name}(" in (ddpmlib.ROOT / "ddpmlib" / f"{function.module}.py").read_text(encoding="utf-8")
    verdict = assess(number, seed=0)
    assert verdict.status == "done", verdict.report()


def test_a_row_whose_section_exercise_or_proof_is_missing_is_found():
    topics = {kind: next(topic for topic, (_, wanted) in WANTED.items() if wanted == kind) for kind in (BUILD, PROVE)}
    build = Row(topics[BUILD], "VD IH", ["elbo-reparam"], ["1.1"], [], "x")
    prove = Row(topics[PROVE], "PU", ["elbo-generation"], [], ["prop-elbo-ml"], "x")
    assert complaints(build) == [] and complaints(prove) == []
    for row, change, says in [
        (build, {"sections": ["nowhere"]}, "no chapter has the section nowhere"),
        (build, {"sections": ["prop-elbo-ml"]}, "no chapter has the section prop-elbo-ml"),
        (build, {"exercises": ["1.99"]}, "there is no exercise 1.99"),
        (build, {"exercises": ["1.7"]}, "no coded exercise is named"),
        (prove, {"statements": []}, "no statement is named"),
        (prove, {"statements": ["def-elbo-kl"]}, "the statement def-elbo-kl is not followed by its proof"),
    ]:
        assert says in complaints(Row(**(vars(row) | change)))


# the appendices that the decks ask for, and the works that the bibliography must hold, by the end of their address
APPENDICES = ("rosetta", "errata", "gaussian_facts", "bibliography")
WORKS = (
    "2006.11239", "2209.00796", "2208.11970", "2403.18103", "2510.21890", "1503.03585", "2102.09672", "2010.02502", "1907.05600",
    "2011.13456", "2206.00364", "1807.03039", "1505.05770", "1908.09257", "2511.13720", "2112.10752", "2105.05233", "2207.12598",
)


def test_the_appendices_are_pages_of_the_book_and_named_on_the_page():
    text = PAGE.read_text(encoding="utf-8").split("(coverage-appendices)=", 1)[1]
    contents = yaml.safe_load((ddpmlib.ROOT / "_toc.yml").read_text(encoding="utf-8"))
    files = [chapter["file"] for part in contents["parts"] for chapter in part["chapters"]]
    for name in APPENDICES:
        assert f"chapters/{name}" in files and f"{{doc}}`{name}`" in text


def test_the_bibliography_has_all_works_of_the_decks():
    entries = bibliography(ddpmlib.ROOT / "chapters" / "references.bib")
    addresses = [entry.fields.get("url", "") for entry in entries.values()]
    assert [work for work in WORKS if not any(address.endswith(work) for address in addresses)] == []
    assert "tomczak2022dgm" in entries
