"""The application: the command line, the executors, the agents and the reports, wired around the core."""
