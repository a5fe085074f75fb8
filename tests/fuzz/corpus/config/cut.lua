account {
"unclosed