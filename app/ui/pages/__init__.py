"""One script a page; Streamlit runs them, nobody imports them."""
