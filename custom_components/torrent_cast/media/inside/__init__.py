"""The worker program: the only place that runs PyAV. Started by path, alone in its process, fed verified bytes only.

Its own package, so that nothing of Home Assistant or of the process outside is imported with it.
"""
