"""HTTP routes beside the screens: image bytes, queues and answers, downloads. Never imports Streamlit or torch."""
