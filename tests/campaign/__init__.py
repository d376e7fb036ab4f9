"""Random questions to random lakes, each answered by an independent reader too.

    python -m tests.campaign --worlds 50 --questions 400

prints how many were asked of each verb. The suite runs a short cut of it. A verb is a function that
asks one random question and asserts that both answers are the same; a time, range or instrument is
drawn so that holes, midnights and ends of coverage come up often.
"""
