"""What a release carries: golden traces, the certificate, the one command that checks it all.

Imports every room but `cli`.
"""
