"""Independent implementations by others, behind thin adapters: the checks must accept them up to what they can do."""

from __future__ import annotations

import types

from answers import Answer

from ddpmlib.checks import assess

SEEDS = range(20)


def assert_passes_all_parts_but(
    failing: dict[str, str], number: str, module: str, peer: types.ModuleType, *names: str
) -> None:
    """Judge a peer in the place of the named functions: it fails these parts of the check, for the reasons given.

    What fails for want of digits may pass with some seeds, but not with all of them.
    """
    answer = Answer(number, module, getattr(peer, names[0]), "").as_module()
    for name in names:
        setattr(answer, name, getattr(peer, name))
    seen = set()
    for seed in SEEDS:
        verdict = assess(number, seed=seed, module=answer)
        problems = {part.name: part.problem for part in verdict.parts if part.problem is not None}
        assert problems.keys() <= failing.keys(), verdict.report()
        for name, problem in problems.items():
            assert failing[name] in problem
        seen |= problems.keys()
    assert seen == failing.keys()
