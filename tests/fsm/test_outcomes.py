"""What a rehearsal makes up: which rule counts, how long things take, and that chance depends on the seed alone."""

import pytest

from fsm.outcomes import DRAWN, ENDINGS, Cast, Outcome, Script, matches, parts
from fsm.plan import Gate, Group, Leaf, Plan


def plan(*phases: Leaf | Group) -> Plan:
    return Plan(sprint_id="boat", phases=phases)


def leaf(path: str, **more) -> Leaf:
    return Leaf(id=path.rpartition("/")[2], path=path, **({"run": "true"} | more))


STEPS = Group(
    id="g",
    path="g",
    level="phase",
    gate=Gate(script="true"),
    children=tuple(
        Group(
            id=name,
            path=f"g/{name}",
            level="step",
            children=(
                leaf(f"g/{name}/work", run=None, prompt="do", gate=Gate(script="true", prompt="mend")),
                leaf(f"g/{name}/test"),
            ),
        )
        for name in ("a", "b")
    ),
)


@pytest.mark.parametrize(
    ("pattern", "named"),
    [
        ("g/*/work", ["g/a/work", "g/b/work"]),
        ("g/a/work", ["g/a/work"]),
        ("g/?/t*t", ["g/a/test", "g/b/test"]),
        ("g/a/**", ["g/a/work", "g/a/test"]),
        ("**/test", ["g/a/test", "g/b/test"]),
        ("**", ["g/a/work", "g/a/test", "g/b/work", "g/b/test"]),
        ("*", []),
        ("g/*", []),
        ("**#gate", ["g#gate", "g/a/work#gate", "g/b/work#gate"]),
        ("*#gate", ["g#gate"]),
        ("g/a/*#fix", ["g/a/work#fix"]),
        ("**/a/**#*", ["g/a/work#gate", "g/a/work#fix"]),
        ("g/[ab]/work", []),
        ("", []),
    ],
)
def test_a_pattern_names_what_its_stars_reach(pattern, named):
    rule = Outcome(place=0, unit=pattern)

    assert sorted(path for path in parts(plan(STEPS)) if matches(rule, path)) == sorted(named)


def test_a_rule_without_a_unit_is_about_everything():
    assert all(matches(Outcome(place=0), path) for path in parts(plan(STEPS)))


def test_many_stars_cost_no_time():
    rule = Outcome(place=0, unit="/".join(["a*" * 30 + "b"] * 5))

    assert not matches(rule, "/".join(["a" * 80] * 5))


def test_a_gate_without_a_fix_has_no_fix_to_play():
    assert "g#fix" not in parts(plan(STEPS))


def test_the_first_rule_that_matches_counts():
    rules = (Outcome(place=0, unit="a", ends="failed"), Outcome(place=1, unit="a", ends="killed"))
    cast = Cast(plan(leaf("a")), Script(outcomes=rules))

    assert cast.outcome(0, "a", 1)[0].ends == "failed"
    assert cast.used == {0}


def test_a_rule_for_one_try_leaves_the_others_to_the_next():
    rules = (Outcome(place=0, tries=(1, 3), ends="failed"), Outcome(place=1, ends="killed"))
    cast = Cast(plan(leaf("a")), Script(outcomes=rules))

    assert [cast.outcome(0, "a", nth)[0].ends for nth in (1, 2, 3, 4)] == [
        "failed",
        "killed",
        "failed",
        "killed",
    ]


def test_what_only_an_agent_can_do_passes_over_commands_and_gates():
    cast = Cast(plan(STEPS), Script(outcomes=(Outcome(place=0, ends="limit"),)))

    assert cast.outcome(0, "g/a/work", 1)[0].ends == "limit"
    assert cast.outcome(0, "g/a/work#fix", 1)[0].ends == "limit"
    assert cast.outcome(0, "g/a/test", 1)[0].ends == "ok"
    assert cast.outcome(0, "g/a/work#gate", 1)[0].ends == "ok"


def test_a_chance_counts_about_as_often_as_it_says():
    cast = Cast(plan(leaf("a")), Script(outcomes=(Outcome(place=0, chance=0.25, ends="failed"),)))
    failed = sum(cast.outcome(seed, "a", 1)[0].ends == "failed" for seed in range(2000))

    assert 400 < failed < 600


@pytest.mark.parametrize("kind", DRAWN)
def test_what_is_not_said_is_drawn_between_the_bounds_of_its_kind(kind):
    path = {"agent": "g/a/work", "shell": "g/a/test", "gate": "g#gate"}[kind]
    cast = Cast(plan(STEPS), Script())
    drawn = [cast.outcome(seed, path, 1)[1] for seed in range(300)]
    least, most = DRAWN[kind]

    assert least <= min(drawn) < least + (most - least) // 10
    assert most - (most - least) // 10 < max(drawn) <= most


def test_what_is_drawn_stays_within_a_timeout():
    cast = Cast(plan(leaf("a", timeout=2.0)), Script())
    played = [cast.outcome(seed, "a", 1) for seed in range(200)]

    assert all(rule.ends == "ok" and takes <= 1800 for rule, takes in played)


def test_what_takes_longer_than_its_timeout_runs_out_of_time():
    cast = Cast(
        plan(leaf("a", timeout=2.0)), Script(outcomes=(Outcome(place=0, takes=(9000, 9000), tokens=7),))
    )
    rule, takes = cast.outcome(0, "a", 1)

    assert (rule.ends, takes, rule.tokens) == ("timeout", 2000, 7)


def test_a_bound_that_is_run_into_is_run_into_at_its_time():
    rules = (Outcome(place=0, tries=(1,), ends="timeout"), Outcome(place=1, ends="idle"))
    cast = Cast(plan(leaf("a", timeout=20.0, idle_timeout=3.0)), Script(outcomes=rules))

    assert cast.outcome(0, "a", 1)[1] == 20_000
    assert cast.outcome(0, "a", 2)[1] == 3_000


def test_a_draw_depends_on_nothing_but_seed_unit_and_time_of_running():
    alone = Cast(plan(leaf("a")), Script())
    beside = Cast(plan(leaf("b"), STEPS, leaf("a")), Script(outcomes=(Outcome(place=4, unit="b"),)))
    beside.outcome(7, "b", 1)

    assert alone.outcome(7, "a", 2) == beside.outcome(7, "a", 2)
    assert len({alone.outcome(seed, "a", 1)[1] for seed in range(20)}) > 15
    assert len({alone.outcome(7, "a", nth)[1] for nth in range(20)}) > 15


def test_a_code_is_an_ending_of_its_own():
    assert Outcome(place=0, code=3).ending[:2] == ("failed", 768)
    assert Outcome(place=0, code=0).ending[:2] == ("ok", 0)


def test_only_success_has_the_verdict_of_success():
    assert [name for name, ending in ENDINGS.items() if ending.verdict == "ok"] == ["ok"]
    assert {name for name, ending in ENDINGS.items() if ending.status is None} == {"lost"}
