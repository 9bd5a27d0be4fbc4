// Package seeds shows programs written for asyncio, done with aio. They are the Examples of its
// tests, with their output.
package seeds
