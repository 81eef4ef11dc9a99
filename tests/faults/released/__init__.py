"""What every released version has left behind: a sprint's journal as SQL, its files, and which commit it was."""
