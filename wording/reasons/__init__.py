"""Why a member may leave or stay, a sentence per reason, made from the member's own features. Pure, like the whole room."""
