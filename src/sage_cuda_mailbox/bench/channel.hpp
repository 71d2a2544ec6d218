// The two ends of what changes hands in a measurement.
#ifndef CHANNEL_HPP_
#define CHANNEL_HPP_

#include <cstdint>
#include <memory>
#include <string>

#include "arrival.hpp"
#include "hand_over.hpp"

namespace sage::mailbox::bench
{

/// The receiving end, in a thread or a process of its own.
class Receiver
{
public:
  enum class Got { nothing, one, end };

  virtual ~Receiver() = default;
  /// Takes what came next, if anything did, and looks at its first and last byte.
  virtual Got take(Arrival & arrival) = 0;
  /// Sleeps until there may be something.
  virtual void wait() = 0;
  virtual std::uint64_t missed() const = 0;
};

/// The sending end, which owns what both look at.
class Sender
{
public:
  virtual ~Sender() = default;
  /// Gets ready what is to be handed over, and writes all of its bytes.
  virtual void fill() = 0;
  /// Hands it over. The stamp is taken first thing.
  virtual void commit() = 0;
  /// Says that nothing more comes.
  virtual void end() = 0;
  /// To be called in the receiver's own thread or process.
  virtual std::unique_ptr<Receiver> receiver() = 0;
};

/// Throws MailboxError.
std::unique_ptr<Sender> make_sender(Via via, const std::string & name, const HandOver & what);

}  // namespace sage::mailbox::bench

#endif  // CHANNEL_HPP_
