// What a mailbox's participants have in common.
#ifndef TENSOR_PORT_HPP_
#define TENSOR_PORT_HPP_

#include <cstdint>
#include <memory>
#include <utility>

#include "sage_mailbox/tensor_mailbox.hpp"

namespace sage::mailbox
{

/// What a record in a tensor mailbox's ring says.
struct Announcement {
  static constexpr std::uint16_t kType = 1;

  std::uint32_t slot;
  std::uint32_t reserved;
  std::uint64_t generation;
};

class TensorPort
{
public:
  TensorPort(
      std::shared_ptr<Segment> segment, std::shared_ptr<Payload> payload, PlaceWord::Role role,
      std::int64_t ttl_ns)
  : participant(std::move(segment), role),
    payload(std::move(payload)),
    ttl_ns(ttl_ns),
    late(participant.places(), LateWriters::kWritersGraceNs),
    ring(
        &header(), participant.segment()->cells(), geometry().cell_bytes, geometry().cell_count,
        late),
    pool(
        &header(), participant.segment()->slots(), participant.segment()->leases(),
        geometry().slot_count, participant.places())
  {
  }

  Header & header() const { return participant.segment()->header(); }
  const Geometry & geometry() const { return participant.segment()->geometry(); }
  Holder holder() const { return participant.holder(); }
  bool is_inherited() const { return participant.is_inherited(); }

  Status announce(TensorId id)
  {
    RecordHead head;
    head.type = Announcement::kType;
    head.length = sizeof(Announcement);
    head.producer = holder().place;
    const Announcement announcement{id.slot, 0, id.generation};
    return ring.push(holder(), head, &announcement);
  }

  Participant participant;
  std::shared_ptr<Payload> payload;
  std::int64_t ttl_ns;
  LateWriters late;
  SystemRing ring;
  SystemPool pool;
};

}  // namespace sage::mailbox

#endif  // TENSOR_PORT_HPP_
