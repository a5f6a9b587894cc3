"""How fast `tlswire` is, as ratios within one run: to code written by hand, and to every peer that is installed.

    python -m benchmarks

`inputs` makes what is read, `floors` is the same work by hand, `peers` the other libraries, `micro` and `jobs` are the
benchmarks (inside this process; as processes), `report` the table and the picture, `kept` the check of CI.
"""
