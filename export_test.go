package aio

// GroupSize returns how many tasks a group remembers.
func GroupSize(g *TaskGroup) int { return len(g.children) }
