# Files of this part.
