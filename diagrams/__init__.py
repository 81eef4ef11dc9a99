"""Tables, plans and histories as Graphviz, Mermaid and SVG. Draws what the core declares, adds nothing."""
