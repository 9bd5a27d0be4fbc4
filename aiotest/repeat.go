package aiotest

import "fmt"

// difference runs a schedule a few times and says where two runs part, and what may be behind it.
func (c *controller) difference(res result) string {
	first := newStory()
	c.follow(res.taken, res.level, res.cancelAt, first)
	posts := c.posts
	for range 5 {
		again := newStory()
		c.follow(res.taken, res.level, res.cancelAt, again)
		posts = max(posts, c.posts)
		if at, ok := parting(first.lines, again.lines); ok {
			return fmt.Sprintf("Two runs part at step %d:\n%s\n%s\n%s",
				at+1, lineAt(first.lines, at), lineAt(again.lines, at), likelySource(posts))
		}
	}
	return "The same steps led to another result. " + likelySource(posts)
}

// parting returns the first line in which two stories differ.
func parting(a, b []string) (int, bool) {
	for i := range max(len(a), len(b)) {
		if lineAt(a, i) != lineAt(b, i) {
			return i, true
		}
	}
	return 0, false
}

func lineAt(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "  (the run is over)"
}

func likelySource(posts int) string {
	if posts > 0 {
		return fmt.Sprintf("%d calls came from goroutines of the program's own: "+
			"their time is the machine's. Use tasks, or aio.ToThread, which is waited for.", posts)
	}
	return "Does it use the machine's clock, random numbers of its own, the order of a map, " +
		"a goroutine, or state of the run before?"
}
