"""A recorded session as numpy series: the files, their topics, and what is collected from them."""
