"""`evenfall erase`: one member goes from everything a workspace holds, and a certificate says so."""
