// What the mailbox behind a ROS topic is called.
#ifndef SAGE_MAILBOX__TOPIC_MAILBOX_HPP_
#define SAGE_MAILBOX__TOPIC_MAILBOX_HPP_

#include <cstddef>
#include <string>

namespace sage::mailbox
{

/// "42.sage.camera.front.tensor" for /sage/camera/front/tensor in domain 42; a name of more than
/// 128 characters ends in its hash (FNV-1a) instead. Both ends know it from the topic, so that
/// a handle cannot send a reader elsewhere. Python nodes of SAGE reckon the same.
std::string mailbox_of_topic(const std::string & topic, std::size_t domain_id);

}  // namespace sage::mailbox

#endif  // SAGE_MAILBOX__TOPIC_MAILBOX_HPP_
