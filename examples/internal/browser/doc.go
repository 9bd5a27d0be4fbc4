// Package browser drives a Chromium without a window, for tests of pages. It needs Linux.
package browser
