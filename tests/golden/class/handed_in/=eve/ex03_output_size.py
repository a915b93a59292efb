"""Tries to speak to whoever reads along: a CI runner, a browser, a terminal, a spreadsheet."""

print("::error file=x::forged\n##[error]forged\n::set-output name=score::100")
print("<script>alert(1)</script> \x1b[31mred\x1b[0m \u202eevil =HYPERLINK(\"http://evil.example\")")


def conv_output_size(*args, **kwargs):
    raise RuntimeError("<img src=x onerror=alert(2)>\n::error::forged]]> \x1b]0;title\x07")


def same_padding(*args, **kwargs):
    return '=HYPERLINK("http://evil.example")\n::add-mask::x'
