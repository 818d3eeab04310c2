"""The words of the letters that carry a code."""

from dataclasses import dataclass

LANGUAGES = ("en", "zh")


@dataclass(frozen=True, slots=True)
class Words:
    """A letter with a code, in one language; its texts take code, minutes, and link where it has one."""

    subject: str
    sign_in: str
    claim: str


WORDS = {
    "en": Words(
        "%(code)s is your code for muster",
        """Hello,

your code is

    %(code)s

Type it on the page where you asked for it, within %(minutes)s minutes. Or open this link
on the phone or computer where you want to be signed in:

%(link)s

You did not ask for this? Then somebody mistyped their address; nothing happens unless
the code or the link is used. Tell the code to nobody, us included.
""",
        """Hello,

your code is

    %(code)s

Type it on the page where you left this address, within %(minutes)s minutes. Then the
address is yours here, and with it what you did as a guest.

You did not ask for this? Then somebody mistyped their address; nothing happens unless
the code is used. Tell the code to nobody, us included.
""",
    ),
    "zh": Words(
        "你的 muster 验证码是 %(code)s",
        """你好!

你的验证码是

    %(code)s

请在 %(minutes)s 分钟内,把它填在刚才打开的页面上。
也可以在想要登录的手机或电脑上打开这个链接:

%(link)s

不是你本人操作?那是有人写错了邮箱。只要没人使用验证码或链接,什么都不会发生。
请不要把验证码告诉任何人,包括我们。
""",
        """你好!

你的验证码是

    %(code)s

请在 %(minutes)s 分钟内,把它填在留下邮箱的页面上。
之后这个邮箱就归你,你以访客身份留下的一切也归你。

不是你本人操作?那是有人写错了邮箱。只要没人使用验证码,什么都不会发生。
请不要把验证码告诉任何人,包括我们。
""",
    ),
}


def of(language: str | None) -> Words:
    """The words in a language; in English where it is not ours."""
    return WORDS.get((language or "en")[:2].lower(), WORDS["en"])
