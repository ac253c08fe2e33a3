#include "frame_io.hpp"

namespace quorate::lockmgr::wire {
namespace {

void write(std::string& out, const Hello& hello) {
    FrameWriter frame(out, Type::kHello);
    frame.raw(kMagic);
    frame.u16(hello.lowest);
    frame.u16(hello.highest);
    frame.u32(hello.priority);
}

void write(std::string& out, const Enqueue& enqueue) {
    FrameWriter frame(out, Type::kEnqueue);
    frame.u32(enqueue.request);
    frame.u32(enqueue.lock);
    frame.mode(enqueue.mode);
    frame.u32(enqueue.flags);
    frame.u32(enqueue.parent);
    frame.u64(enqueue.xid);
    frame.u32(enqueue.deadline_ms);
    frame.text(enqueue.domain);
    frame.text(enqueue.name);
}

void write(std::string& out, const Convert& convert) {
    FrameWriter frame(out, Type::kConvert);
    frame.u32(convert.request);
    frame.u32(convert.lock);
    frame.mode(convert.mode);
    frame.u32(convert.flags);
    frame.u32(convert.deadline_ms);
    if ((convert.flags & flag::VALBLK) != 0) {
        frame.value(convert.value);
    }
}

void write(std::string& out, const Dequeue& dequeue) {
    FrameWriter frame(out, Type::kDequeue);
    frame.u32(dequeue.request);
    frame.u32(dequeue.lock);
    frame.u32(dequeue.flags);
    if ((dequeue.flags & flag::VALBLK) != 0) {
        frame.value(dequeue.value);
    }
}

void write(std::string& out, const Cancel& cancel) {
    FrameWriter frame(out, Type::kCancel);
    frame.u32(cancel.request);
    frame.u32(cancel.lock);
}

void write(std::string& out, const DequeueAll& all) {
    FrameWriter frame(out, Type::kDequeueAll);
    frame.u32(all.request);
    frame.u32(all.lock);
}

void write(std::string& out, const Purge& purge) {
    FrameWriter frame(out, Type::kPurge);
    frame.u32(purge.request);
    frame.u32(purge.node.value());
    frame.u32(purge.pid);
}

void write(std::string& out, const DefineDomain& define) {
    FrameWriter frame(out, Type::kDefineDomain);
    frame.u32(define.request);
    frame.u32(define.uid);
    frame.u32(define.gid);
    frame.u16(define.mode);
    frame.text(define.name);
}

void read(FrameReader& in, Hello& hello, bool& sound) {
    sound = in.raw(kMagic.size()) == kMagic;
    hello.lowest = in.u16();
    hello.highest = in.u16();
    hello.priority = in.u32();
}

void read(FrameReader& in, Enqueue& enqueue, bool&) {
    enqueue.request = in.u32();
    enqueue.lock = in.u32();
    enqueue.mode = in.mode();
    enqueue.flags = in.u32();
    enqueue.parent = in.u32();
    enqueue.xid = in.u64();
    enqueue.deadline_ms = in.u32();
    enqueue.domain = in.text();
    enqueue.name = in.text();
}

void read(FrameReader& in, Convert& convert, bool&) {
    convert.request = in.u32();
    convert.lock = in.u32();
    convert.mode = in.mode();
    convert.flags = in.u32();
    convert.deadline_ms = in.u32();
    if ((convert.flags & flag::VALBLK) != 0) {
        in.value(convert.value);
    }
}

void read(FrameReader& in, Dequeue& dequeue, bool&) {
    dequeue.request = in.u32();
    dequeue.lock = in.u32();
    dequeue.flags = in.u32();
    if ((dequeue.flags & flag::VALBLK) != 0) {
        in.value(dequeue.value);
    }
}

void read(FrameReader& in, Cancel& cancel, bool&) {
    cancel.request = in.u32();
    cancel.lock = in.u32();
}

void read(FrameReader& in, DequeueAll& all, bool&) {
    all.request = in.u32();
    all.lock = in.u32();
}

void read(FrameReader& in, Purge& purge, bool&) {
    purge.request = in.u32();
    purge.node = NodeId(in.u32());
    purge.pid = in.u32();
}

void read(FrameReader& in, DefineDomain& define, bool&) {
    define.request = in.u32();
    define.uid = in.u32();
    define.gid = in.u32();
    define.mode = in.u16();
    define.name = in.text();
}

}  // namespace

void append(std::string& out, const Request& request) {
    std::visit([&](const auto& one) { write(out, one); }, request);
}

Result<std::string_view> first_frame(std::string_view bytes, std::size_t max) {
    if (bytes.size() < kLength) {
        return std::string_view();
    }
    const auto length = ByteReader(bytes).u32();
    if (length == 0) {
        return fail(errc::damaged, "empty frame");
    }
    if (length > max) {
        return fail(errc::too_large, "frame");
    }
    return bytes.size() - kLength < length ? std::string_view() : bytes.substr(kLength, length);
}

Result<Request> decode_request(std::string_view frame) {
    const auto type = frame.empty() ? 0 : static_cast<unsigned char>(frame[0]);
    const auto fields = frame.substr(frame.empty() ? 0 : 1);
    const auto reader = [](auto& in, auto& one, bool& sound) { read(in, one, sound); };
    switch (type) {
        case static_cast<int>(Type::kHello):
            return decode_as<Request, Hello>(fields, reader);
        case static_cast<int>(Type::kEnqueue):
            return decode_as<Request, Enqueue>(fields, reader);
        case static_cast<int>(Type::kConvert):
            return decode_as<Request, Convert>(fields, reader);
        case static_cast<int>(Type::kDequeue):
            return decode_as<Request, Dequeue>(fields, reader);
        case static_cast<int>(Type::kCancel):
            return decode_as<Request, Cancel>(fields, reader);
        case static_cast<int>(Type::kDequeueAll):
            return decode_as<Request, DequeueAll>(fields, reader);
        case static_cast<int>(Type::kPurge):
            return decode_as<Request, Purge>(fields, reader);
        case static_cast<int>(Type::kDefineDomain):
            return decode_as<Request, DefineDomain>(fields, reader);
        default:
            return fail(errc::damaged, "frame of no known type");
    }
}

}  // namespace quorate::lockmgr::wire
