// Package subprocess runs other programs: it starts them, talks to them through pipes, waits for them and ends them,
// together with everything they have started. It stands for the subprocesses of asyncio.
//
// A [Cmd] says what to run, in the way of os/exec; [Command] and [Shell] make one. In the simplest case its methods do
// all the rest:
//
//	out, err := subprocess.Command("git", "rev-parse", "HEAD").Output(ctx)
//
// [Cmd.Run] and [Cmd.Output] wait for the end. [Cmd.With] runs a function beside the child and ends the child when the
// function has ended. [Cmd.Start] returns a [Process], to be written to, read from, signalled and waited for:
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
// How a child ended is a [Status]. Its Code is what asyncio has: the exit code, or -N if signal N killed the child.
// [Cmd.Run], [Cmd.Output] and [Cmd.With] return an [*ExitError] unless it is 0; it knows the end of what the child wrote to
// stderr. A program that could not be started is a [*StartError], which errors.Is tells apart further: [fs.ErrNotExist],
// [fs.ErrPermission].
//
// # Cancellation
//
// Run, Output and With own their child. When they are cancelled or a time-out around them fires, the child and all that it
// has started, which is its process group, get SIGTERM, after [Cmd.Grace] SIGKILL, and only then do they return, with a
// [*StoppedError] that says what was done and matches [context.Canceled]. [Process.Stop] does the same for a child that
// was begun with Start; [Process.Close] kills at once.
//
// Whatever happens, every child is collected: no zombie stays behind. What runs when its loop closes is ended in the same way. Only if this process
// itself is killed nobody is left to do it, and its children go on.
//
// Children live in real time. A virtual clock does not wait for them, so that under one a time-out or a grace period is over as soon as nothing else
// is left to do.
//
// # Grandchildren
//
// A program that leaves another one behind in the background, which has inherited its output, keeps that output open. It
// cannot hang anybody here: [Cmd.Drain] after the end of the child itself reading is given up, with [ErrHeldOpen].
//
// A child is ended with its process group. On Linux (5.3 or newer) so is what has left the group, as setsid does, if it descends from the
// child by parents that are still there. A program that has made itself a daemon, whose parent has ended before, has no tie to the child any
// more and survives; so does on other systems all that has left the group. Where programs are not trusted to stay, run them in a container, or in a
// cgroup by SysProcAttr.
//
// # Limits
//
// [Cmd.Output], [Cmd.CombinedOutput] and [Process.Communicate] keep at most [Cmd.OutputLimit] of an output, 64 MiB by default; more is
// [ErrOutputLimit]. An error keeps the last 4 KiB of stderr, and shows the last line of that without control characters. A reader of a Pipe holds its child
// back, and refuses lines longer than [Cmd.Limit].
//
// # How it is done
//
// On Linux a child is a pidfd that the loop watches beside its sockets: no thread and no goroutine waits for it. On other
// systems, and in contexts with [transport.Portable], a goroutine does. Starting a program takes a quarter of a millisecond at best,
// so it is done on another thread and the loop goes on meanwhile.
//
// On Windows there are no process groups and no signals but kill.
package subprocess
