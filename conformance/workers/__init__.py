"""Who does the work: processes of this machine, or a cluster that runs already.

All that can be divided goes through one seam, `Workers`: any executor of `concurrent.futures`.
Results do not depend on who made them, nor on how many they are.

May import nothing of this project.
"""
