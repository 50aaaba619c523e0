"""Early warning: what left what is usual, since when, which groups drive it, and where to look."""

from __future__ import annotations

from typing import Final

WARNINGS: Final = {
    "warning.title": "Early warning",
    "warning.note": "Usual is the mean of the same weekdays of the eight weeks before. A line stands here when chance is no good "
    "explanation; it does not say why. Who has seen one can silence it by its number: evenfall alerts.",
    "warning.good": "Unusual, but not bad",
    "warning.dau.less": "Fewer members come: {now} a day since {since:short_day}, usually {usual} ({change}).",
    "warning.dau.more": "More members come: {now} a day since {since:short_day}, usually {usual} ({change}).",
    "warning.returning_members.less": "Fewer regular members come: {now} a day since {since:short_day}, usually {usual} "
    "({change}).",
    "warning.returning_members.more": "More regular members come: {now} a day since {since:short_day}, usually {usual} "
    "({change}).",
    "warning.resurrected_members.less": "Fewer members come back after a long pause: {now} a day since {since:short_day}, "
    "usually {usual} ({change}).",
    "warning.resurrected_members.more": "More members come back after a long pause: {now} a day since {since:short_day}, usually "
    "{usual} ({change}).",
    "warning.readers.less": "Fewer members read: {now} a day since {since:short_day}, usually {usual} ({change}).",
    "warning.readers.more": "More members read: {now} a day since {since:short_day}, usually {usual} ({change}).",
    "warning.new_members.less": "Fewer new members: {now} a day since {since:short_day}, usually {usual} ({change}).",
    "warning.new_members.more": "More new members: {now} a day since {since:short_day}, usually {usual} ({change}).",
    "warning.joins.less": "Fewer members join: {now} a day since {since:short_day}, usually {usual} ({change}).",
    "warning.joins.more": "More members join: {now} a day since {since:short_day}, usually {usual} ({change}).",
    "warning.first_time_members.less": "Fewer members are active for the first time: {now} a day since {since:short_day}, "
    "usually {usual} ({change}).",
    "warning.first_time_members.more": "More members are active for the first time: {now} a day since {since:short_day}, usually "
    "{usual} ({change}).",
    "warning.retention_d1.less": "Fewer new members come back the day after they join: {now} since {since:short_day}, usually "
    "{usual}.",
    "warning.retention_d1.more": "More new members come back the day after they join: {now} since {since:short_day}, usually "
    "{usual}.",
    "warning.retention_d7.less": "Fewer new members come back a week after they join: {now} since {since:short_day}, usually "
    "{usual}.",
    "warning.retention_d7.more": "More new members come back a week after they join: {now} since {since:short_day}, usually "
    "{usual}.",
    "warning.retention_d30.less": "Fewer new members come back 30 days after they join: {now} since {since:short_day}, usually "
    "{usual}.",
    "warning.retention_d30.more": "More new members come back 30 days after they join: {now} since {since:short_day}, usually "
    "{usual}.",
    "warning.lost_members.less": "Fewer members are lost, silent for 30 days: {now} a day since {since:short_day}, usually "
    "{usual} ({change}).",
    "warning.lost_members.more": "More members are lost, silent for 30 days: {now} a day since {since:short_day}, usually "
    "{usual} ({change}).",
    "warning.leaves.less": "Fewer members leave: {now} a day since {since:short_day}, usually {usual} ({change}).",
    "warning.leaves.more": "More members leave: {now} a day since {since:short_day}, usually {usual} ({change}).",
    "warning.contributors.less": "Fewer members contribute: {now} a day since {since:short_day}, usually {usual} ({change}).",
    "warning.contributors.more": "More members contribute: {now} a day since {since:short_day}, usually {usual} ({change}).",
    "warning.creators.less": "Fewer members publish: {now} a day since {since:short_day}, usually {usual} ({change}).",
    "warning.creators.more": "More members publish: {now} a day since {since:short_day}, usually {usual} ({change}).",
    "warning.silent_share_30d.less": "Fewer of the active members are silent: {now} in 30 days, {usual} a week before.",
    "warning.silent_share_30d.more": "More of the active members are silent: {now} in 30 days, {usual} a week before.",
    "warning.orders.less": "Fewer orders: {now} a day since {since:short_day}, usually {usual} ({change}).",
    "warning.orders.more": "More orders: {now} a day since {since:short_day}, usually {usual} ({change}).",
    "warning.buyers.less": "Fewer members buy: {now} a day since {since:short_day}, usually {usual} ({change}).",
    "warning.buyers.more": "More members buy: {now} a day since {since:short_day}, usually {usual} ({change}).",
    "warning.spend.less": "Members spend less: {now} a day since {since:short_day}, usually {usual} ({change}).",
    "warning.spend.more": "Members spend more: {now} a day since {since:short_day}, usually {usual} ({change}).",
    "warning.repeat_rate.less": "Fewer buyers have bought before: {now} since {since:short_day}, usually {usual}.",
    "warning.repeat_rate.more": "More buyers have bought before: {now} since {since:short_day}, usually {usual}.",
    "warning.conversion_rate_30d.less": "Fewer of the active members buy: {now} in 30 days, {usual} a week before.",
    "warning.conversion_rate_30d.more": "More of the active members buy: {now} in 30 days, {usual} a week before.",
    "warning.refunds.less": "Less money is given back: {now} a day since {since:short_day}, usually {usual} ({change}).",
    "warning.refunds.more": "More money is given back: {now} a day since {since:short_day}, usually {usual} ({change}).",
    "warning.open_rate_30d.less": "Fewer messages are opened: {now} in 30 days, {usual} a week before.",
    "warning.open_rate_30d.more": "More messages are opened: {now} in 30 days, {usual} a week before.",
    "warning.click_rate_30d.less": "Fewer messages are clicked: {now} in 30 days, {usual} a week before.",
    "warning.click_rate_30d.more": "More messages are clicked: {now} in 30 days, {usual} a week before.",
    "warning.feedback_answers.less": "Fewer answers of members arrive: {now} a day since {since:short_day}, usually {usual} "
    "({change}).",
    "warning.feedback_score_30d.less": "Members score lower: {now} of 10 in 30 days, {usual} a week before.",
    "warning.feedback_score_30d.more": "Members score higher: {now} of 10 in 30 days, {usual} a week before.",
    "warning.bad_answers.less": "Fewer of the answers are bad: {now} since {since:short_day}, usually {usual}.",
    "warning.bad_answers.more": "More of the answers are bad: {now} since {since:short_day}, usually {usual}.",
    "warning.given": "{figure}: {now} on average since {since:short_day}, usually {usual} ({change}).",
    "warning.new": "new",
    "warning.crisis": "Many write about {topic}, and most of it is negative: {n:count:member} since {since:short_day}, "
    "usually {usual} in as many days.",
    "warning.rows.less": "Fewer rows of {table} arrive: {now} a day since {since:short_day}, usually {usual} ({change}).",
    "warning.rows.look": "Look whether the export is whole.",
    "warning.nights.more": "The night before this one ran {now:count:day} ago; usual is {usual:count:day}.",
    "warning.source.more": "The source {source} has brought nothing new for {now:count:day}; its longest pause was "
    "{usual:count:day}.",
    "warning.drift.more": "{n} of the features that the churn model reads have moved far since its training. "
    "Read the risks with care; a training is due.",
    "warning.calibration.less": "Fewer members left than was predicted: {now}, predicted {usual}.",
    "warning.calibration.more": "More members left than was predicted: {now}, predicted {usual}.",
    "warning.only": "So it is in {group} alone; the whole community is not beyond what is usual.",
    "warning.drivers": "Most of it comes from {groups}.",
    "warning.others": "The same in {groups}.",
    "warning.driver": "{group} ({now}, usually {usual})",
    "warning.also": "It also shows in {figures}.",
    "warning.words": "What they write about more than usual: {words}.",
    "warning.known": "Known since {night:short_day}.",
    "warning.worse": "It is clearly worse than when you heard of it.",
    "warning.acknowledged": "Acknowledged.",
    "warning.muted": "Muted.",
    "warning.line": "{number}. {said}",
    "warning.look": "Look at reports/{night}.html. `evenfall alerts --acknowledge NUMBER` or `--mute NUMBER --until DAY` when "
    "you have seen it.",
    "warning.group.platform": "platform {value}",
    "warning.group.source": "those who joined through {value}",
    "warning.group.community": "the community {value}",
    "warning.group.tier": "tier {value}",
    "warning.group.lifecycle": "stage {value}",
    "warning.group.channel": "channel {value}",
    "warning.figure.dau": "active members",
    "warning.figure.returning_members": "regular members",
    "warning.figure.resurrected_members": "members back after a long pause",
    "warning.figure.readers": "readers",
    "warning.figure.new_members": "new members",
    "warning.figure.joins": "joins",
    "warning.figure.first_time_members": "members active for the first time",
    "warning.figure.retention_d1": "new members back after a day",
    "warning.figure.retention_d7": "new members back after a week",
    "warning.figure.retention_d30": "new members back after 30 days",
    "warning.figure.lost_members": "lost members",
    "warning.figure.leaves": "leaves",
    "warning.figure.contributors": "contributors",
    "warning.figure.creators": "members who publish",
    "warning.figure.silent_share_30d": "the share of silent members",
    "warning.figure.orders": "orders",
    "warning.figure.buyers": "buyers",
    "warning.figure.spend": "spending",
    "warning.figure.repeat_rate": "buyers who had bought before",
    "warning.figure.conversion_rate_30d": "the share of members who buy",
    "warning.figure.refunds": "refunds",
    "warning.figure.open_rate_30d": "messages opened",
    "warning.figure.click_rate_30d": "messages clicked",
    "warning.figure.feedback_answers": "answers",
    "warning.figure.feedback_score_30d": "scores",
    "warning.figure.bad_answers": "bad answers",
    "warning.figure.rows": "rows of {table}",
    "warning.figure.given": "{figure} of {platform}",
    "warning.late": "The newest lists are of {night:short_day}; those of {due:short_day} were due.",
    "warning.late.remedy": "Look whether the scheduler runs: `evenfall doctor` says what a night needs, `evenfall nightly` "
    "runs it.",
    "alerts.none": "No open alerts on the night of {night:short_day}.",
    "alerts.head": "Alerts of the night of {night:short_day}:",
    "alerts.acknowledged": "Alert {number} is acknowledged: it is sent again only when it becomes clearly worse.",
    "alerts.muted": "{what} is muted until {until:short_day}.",
}
