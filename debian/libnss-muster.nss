passwd after=files muster
group after=files muster
# Only where the administrator has such a line; musterctl setup enters it there, and it goes with the package.
initgroups database-require
initgroups remove-only muster
