import pytest

from diagrams.graph import Graph, Tone
from diagrams.table import TONES, from_table
from fsm.machine import MACHINES
from fsm.tables import STATES, TABLES

machines = pytest.mark.parametrize("name", [str(name) for name in TABLES])


def triples(graph: Graph) -> list[tuple[str, str, str]]:
    return sorted((trigger, edge.source, edge.dest) for edge in graph.edges for trigger in edge.triggers)


@machines
def test_the_edges_are_the_transitions_of_the_machine_that_runs(name):
    moves = [(move.source, move.dest) for move in MACHINES[name].get_transitions()]
    rows = [
        (event.name, move.source, move.dest)
        for event in MACHINES[name].events.values()
        for moves_from in event.transitions.values()
        for move in moves_from
    ]

    assert len(moves) == len(rows)
    assert triples(from_table(name)) == sorted(rows)


@machines
def test_the_nodes_are_the_states_of_the_machine_that_runs(name):
    assert [node.id for node in from_table(name).nodes] == list(MACHINES[name].states)


@machines
def test_every_state_can_be_reached(name):
    graph = from_table(name)
    reached = {node.id for node in graph.nodes if node.first}
    assert len(reached) == 1
    for _ in graph.nodes:
        reached |= {edge.dest for edge in graph.edges if edge.source in reached}

    assert reached == set(STATES[name])


@machines
def test_what_is_not_drawn_is_told(name):
    graph = from_table(name)
    told = " ".join(graph.notes)
    for edge in graph.edges:
        if edge.told:
            node = next(node for node in graph.nodes if node.id == edge.source)
            assert all(trigger in told or trigger in " ".join(node.notes) for trigger in edge.triggers)
        else:
            assert edge.source != edge.dest


@machines
def test_the_thick_line_leads_from_the_beginning_to_a_good_end(name):
    graph = from_table(name)
    nodes = {node.id: node for node in graph.nodes}
    place = next(node.id for node in graph.nodes if node.first)
    main = {edge.source: edge.dest for edge in graph.edges if edge.main}
    while place in main:
        place = main.pop(place)

    assert main == {}
    assert nodes[place].tone is Tone.WELL


def test_every_state_has_a_colour_and_no_colour_is_of_a_state_that_is_gone():
    assert set(TONES) == {state for states in STATES.values() for state in states}
