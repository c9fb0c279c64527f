"""Every SELECT of the project, one module a noun. Functions take a session and give models or plain rows."""
