"""Getting planned work done: inline in one process, or fanned out with Ray Tune."""
