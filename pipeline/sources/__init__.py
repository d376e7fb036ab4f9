"""Where slices come from, and the only network I/O.

tardis_http.py   one request, one answer: the one module that knows tardis-client
tardis_plan.py   what to ask for: exchange details, availability, what is there already
tardis.py        asks for it: checks the key, up to 60 minutes in flight, tries again
event_loop.py    waits for all of that, also where a loop runs already, as in a notebook
files.py         adopts minute slices that lie in a folder; no network
"""
