"""Lists of URLs as sources: text, CSV, JSON and Parquet files, packed or not, local, in a bucket or piped in."""

from pupline.sources.lists._file_listing import LIST_FILE, dropped_of, is_list_file, list_source
from pupline.sources.lists._piped import is_piped, keep_piped, piped_for_now

__all__ = ["LIST_FILE", "dropped_of", "is_list_file", "is_piped", "keep_piped", "list_source", "piped_for_now"]
