"""The screens: Streamlit pages over the services. Never touches the database but through them."""
