"""Lines as they arrive → minute slices behind the door, whole whatever happens.

arrival_clock.py   when a frame was read: UTC, 100 ns, never backwards
minutes.py         lines, disconnects and the passing of time → what each minute's slice holds
open_minute.py     the slice that is being written, and what a crash left of one
recorder.py        all of it, with a thread that brings lines to the disk
"""
