"""What a release carries: golden traces, the certificate, the one command that checks it all.

May import every room but `cli`.
"""
