// Package subprocess runs other programs: it starts them, talks to them through pipes, waits for
// them, and ends them with all their descendants. asyncio: subprocesses.
//
// A [Cmd] says what to run, as in os/exec; [Command] and [Shell] make one. In the simplest case one
// method does the rest:
//
//	out, err := subprocess.Command("git", "rev-parse", "HEAD").Output(ctx)
//
// [Cmd.Run] and [Cmd.Output] wait for the end. [Cmd.With] runs a function beside the child, and
// ends the child when the function has ended. [Cmd.Start] returns a [Process] to write to, read
// from, signal and wait for:
//
//	cmd := subprocess.Command("sort", "-u")
//	cmd.Stdin, cmd.Stdout = subprocess.Pipe, subprocess.Pipe
//	p, err := cmd.Start(ctx)
//	if err != nil {
//		return err
//	}
//	defer p.Close()
//	out, _, err := p.Communicate(ctx, names)
//
// # The end
//
// The end of a child is a [Status]. Its Code is as in asyncio: the exit code, or -N if signal N
// killed the child. Unless it is 0, [Cmd.Run], [Cmd.Output] and [Cmd.With] return an [*ExitError]
// with the end of the child's stderr. If a program could not be started, the error is a
// [*StartError]; errors.Is finds [fs.ErrNotExist] and [fs.ErrPermission] in it.
//
// # Cancellation
//
// Run, Output and With own their child. When they are cancelled or a time-out around them fires,
// they end the child and its process group: SIGTERM, and SIGKILL after [Cmd.Grace]. Only then do
// they return, with a [*StoppedError] that says how the child was ended and matches
// [context.Canceled]. [Process.Stop] does the same for a child of Start; [Process.Close] kills at
// once.
//
// Every child is collected in any case: no zombie stays behind. A child that runs when its loop
// closes is ended in the same way. Only if this process itself is killed, its children go on.
//
// Children live in real time. A virtual clock does not wait for them, so that under one a time-out
// or a grace period is over as soon as nothing else is left to do.
//
// # Grandchildren
//
// A program may leave another one behind in the background, which has inherited its output and
// keeps it open. That cannot hang the loop: [Cmd.Drain] after the end of the child, reading is
// given up with [ErrHeldOpen].
//
// A child is ended with its process group. On Linux (5.3 or newer) so are descendants that have
// left the group, as after setsid, if their parents up to the child still exist. A daemon, whose
// parent has ended before, has no tie to the child any more and survives. On other systems every
// process that has left the group survives. If programs are not trusted, run them in a container,
// or in a cgroup by SysProcAttr.
//
// # Limits
//
// [Cmd.Output], [Cmd.CombinedOutput] and [Process.Communicate] keep at most [Cmd.OutputLimit] of an
// output, 64 MiB by default; more is [ErrOutputLimit]. An error keeps the last 4 KiB of stderr, and
// shows the last line of that without control characters. A slow reader of a Pipe makes its child
// wait, and a line longer than [Cmd.Limit] is an error.
//
// # How it is done
//
// On Linux a child is a pidfd that the loop watches beside its sockets: no thread and no goroutine
// waits for it. On other systems, and in contexts with [transport.Portable], a goroutine does.
// Starting a program takes a quarter of a millisecond at best, so it is done on another thread and
// the loop goes on meanwhile.
//
// On Windows there are no process groups and no signals but kill.
package subprocess
