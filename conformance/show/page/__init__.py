"""A picture as one web page that needs no network: `data` is what it shows, `render` makes it.

The page is drawn by the script that it carries, from data that it carries, a window of events at a
time: so 100,000 events are as quick as ten.
"""
