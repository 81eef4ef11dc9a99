"""How a fold is shown to people and programs. Readers of the journal, never writers."""
