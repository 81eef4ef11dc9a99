"""What fsm-sprint costs, beside floors and peers in the same run: `python -m bench`. See docs/performance.md."""
