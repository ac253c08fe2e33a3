#include "mail/message/summary.hpp"

#include <utility>
#include <vector>

#include "body_text.hpp"
#include "envelope.hpp"
#include "mail/message/header.hpp"
#include "scanner.hpp"

namespace quorate::mail::message {

struct SummaryBuilder::Impl final : Scanner::Observer {
    explicit Impl(const Limits& given) : limits(given), scanner(given, this) {}

    // The message's own header always counts in full: its size is bounded by the limit for one
    // header. What parts inside say is kept while there is room.
    void on_header(std::size_t index, bool root, std::string_view block, const MimeFields& fields,
                   const Part& part) override {
        if (texts.size() <= index) {
            texts.resize(index + 1);
        }
        auto& text = texts[index];
        if (index != 0 && used >= limits.summary_bytes) {
            text = render_part_briefly(part);
            return;
        }
        text = render_part(fields, part);
        if (root) {
            text.envelope = render_envelope(block, limits);
        }
        used += text_size(text);
        if (index == 0) {
            if (const auto date = first_field(block, "date")) {
                sent = parse_rfc5322_date(unfold(*date));
            }
        }
    }

    Limits limits;
    Scanner scanner;
    std::vector<PartText> texts;
    std::size_t used = 0;
    std::optional<DateTime> sent;
};

SummaryBuilder::SummaryBuilder(Limits limits) : impl_(std::make_unique<Impl>(limits)) {}
SummaryBuilder::~SummaryBuilder() = default;
SummaryBuilder::SummaryBuilder(SummaryBuilder&&) noexcept = default;
SummaryBuilder& SummaryBuilder::operator=(SummaryBuilder&&) noexcept = default;

void SummaryBuilder::feed(std::string_view bytes) { impl_->scanner.feed(bytes); }

Summary SummaryBuilder::finish() {
    const auto structure = impl_->scanner.finish();
    Summary summary;
    summary.body = render_body(structure, impl_->texts, /*extension=*/false);
    summary.bodystructure = render_body(structure, impl_->texts, /*extension=*/true);
    summary.envelope = std::move(impl_->texts.front().envelope);
    summary.structure = encode(structure);
    summary.size = structure.size;
    summary.sent = impl_->sent;
    return summary;
}

Summary summarize(std::string_view message, Limits limits) {
    SummaryBuilder builder(limits);
    builder.feed(message);
    return builder.finish();
}

}  // namespace quorate::mail::message
