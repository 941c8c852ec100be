"""End-to-end tests: a real Home Assistant process, a real swarm, a real receiver, a real browser."""
