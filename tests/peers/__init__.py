"""Independent implementations by others, behind thin adapters: the checks must accept them up to what they can do."""

from __future__ import annotations

import types

from answers import Answer

from ddpmlib.checks import assess

SEEDS = range(20)


def assert_passes_all_parts_but(
    failing: dict[str, str], number: str, module: str, peer: types.ModuleType, *names: str
) -> None:
    """Judge a peer in the place of the named functions: it fails these parts of the check, for the reasons given."""
    answer = Answer(number, module, getattr(peer, names[0]), "").as_module()
    for name in names:
        setattr(answer, name, getattr(peer, name))
    for seed in SEEDS:
        verdict = assess(number, seed=seed, module=answer)
        problems = {part.name: part.problem for part in verdict.parts if part.problem is not None}
        assert problems.keys() == failing.keys(), verdict.report()
        for name, reason in failing.items():
            assert reason in problems[name]
