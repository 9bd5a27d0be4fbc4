package main

import (
	"net/url"
	"testing"
	"time"
)

func TestRobotsMayDoWhatTheirGroupSays(t *testing.T) {
	const text = "\ufeffSitemap: http://x/map\n" +
		"User-agent: *\nDisallow: /all/\n\n" +
		"# two robots, one group\nUser-Agent: other\nUSER-AGENT: aio-crawler/2.0  # us\ndisallow: " +
		"/p\nAllow: /public\nDisallow: /*.gif$\nDisallow: /a*b*c\nDisallow:\nCrawl-delay: " +
		"2.5\nnonsense\n" +
		"User-agent: third\nDisallow: /\n" +
		"User-agent: AIO-Crawler\nDisallow: /late\nAllow: /same\nDisallow: /same\n"
	r := parseRobots(text, robot)
	if r.delay != 2500*time.Millisecond {
		t.Errorf("delay %v", r.delay)
	}
	for path, want := range map[string]bool{
		"/": true, "/all/x": true, "/p": false, "/private": false, "/public": true, "/publicity": true,
		"/x.gif": false, "/x.gif?y": true, "/x.gift": true, "/abc": false, "/a/x/b/y/c/z": false,
		"/acb":  true,
		"/late": false, "/same": true, "/robots.txt": true, "/q?p=/p": true,
	} {
		u, err := url.Parse("http://x" + path)
		if err != nil {
			t.Fatal(err)
		}
		if r.allow(u) != want {
			t.Errorf("%s: %v, want %v", path, !want, want)
		}
	}
	u, _ := url.Parse("http://x/all/x")
	if parseRobots(text, "unknown").allow(u) {
		t.Error("the group for all does not count for one without a group")
	}
	if !parseRobots("", robot).allow(u) || !parseRobots("Disallow: /\n", robot).allow(u) {
		t.Error("an empty file forbids")
	}
	if parseRobots("User-agent: *\nDisallow: /", robot).allow(u) {
		t.Error("what is forbidden to all is allowed")
	}
}
