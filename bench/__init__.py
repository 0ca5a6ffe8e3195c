"""What Leadferry costs beside the bare minimum of the same machine: `python -m bench`, `python -m bench.load`."""
